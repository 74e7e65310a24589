/** The types of metadata definitions as others name them: their fields are in the files beside this one. */
import type { MetadefNamespace, MetadefObject, MetadefProperty } from '../../domain/metadef/metadef.ts';
import { builder } from '../builder.ts';

export const NamespaceType = builder.objectRef<MetadefNamespace>('MetadefNamespace');
export const PropertyType = builder.objectRef<MetadefProperty>('MetadefProperty');
export const ObjectType = builder.objectRef<MetadefObject>('MetadefObject');
/** What is besides its name is looked up. */
export const ResourceTypeType = builder.objectRef<{ name: string }>('MetadefResourceType');
