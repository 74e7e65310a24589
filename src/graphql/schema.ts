/** The GraphQL schema: lists the files that declare it. */
import { builder } from './builder.ts';
import './scalars.ts';
import './errors.ts';
import './quota.ts';
import './viewer.ts';
import './node.ts';
import './store.ts';
import './task.ts';
import './audit.ts';
import './token.ts';
import './image/image.ts';
import './image/images.ts';
import './image/parsed-search.ts';
import './image/mutations.ts';
import './image/upload-image.ts';
import './image/import-image.ts';
import './image/member-mutations.ts';
import './metadef/namespaces.ts';
import './metadef/namespace-mutations.ts';
import './metadef/part-mutations.ts';

export const schema = builder.toSchema();
