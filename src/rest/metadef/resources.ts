/** What there is below /v2/metadefs. */
import { updateMetadefNamespace } from '../../actions/metadef/write-namespace.ts';
import { noContent, type Operation, type Resource } from '../operation.ts';
import {
  addNamespace,
  changeNamespace,
  listNamespaces,
  removeNamespace,
  showNamespace,
} from './namespaces.ts';
import { addObject, changeObject, listObjects, removeObject, showObject } from './objects.ts';
import { addProperty, changeProperty, listProperties, removeProperty, showProperty } from './properties.ts';
import { addAssociation, listAssociations, listResourceTypes, removeAssociation } from './resource-types.ts';
import { addTag, changeTag, listTags, removeTag, showTag, tagsAtOnce } from './tags.ts';

/** Takes all of a kind out of a namespace. */
const removalOfAll = (kind: 'objects' | 'properties' | 'tags'): Operation => ({
  action: 'updateMetadefNamespace',
  async run({ app, caller, params }) {
    await updateMetadefNamespace(app, caller, { namespace: params.namespace ?? '', [kind]: [] });
    return noContent;
  },
});

const namespace = '/metadefs/namespaces/:namespace';

export const metadefResources: readonly Resource[] = [
  {
    path: '/metadefs/namespaces',
    operations: {
      GET: { run: listNamespaces },
      POST: { body: 'json', action: 'createMetadefNamespace', run: addNamespace },
    },
  },
  {
    path: namespace,
    operations: {
      GET: { run: showNamespace },
      PUT: { body: 'json', action: 'updateMetadefNamespace', run: changeNamespace },
      DELETE: { action: 'deleteMetadefNamespace', run: removeNamespace },
    },
  },
  {
    path: `${namespace}/properties`,
    operations: {
      GET: { run: listProperties },
      POST: { body: 'json', action: 'addMetadefProperty', run: addProperty },
      DELETE: removalOfAll('properties'),
    },
  },
  {
    path: `${namespace}/properties/:name`,
    operations: {
      GET: { run: showProperty },
      PUT: { body: 'json', action: 'updateMetadefProperty', run: changeProperty },
      DELETE: { action: 'removeMetadefProperty', run: removeProperty },
    },
  },
  {
    path: `${namespace}/objects`,
    operations: {
      GET: { run: listObjects },
      POST: { body: 'json', action: 'addMetadefObject', run: addObject },
      DELETE: removalOfAll('objects'),
    },
  },
  {
    path: `${namespace}/objects/:name`,
    operations: {
      GET: { run: showObject },
      PUT: { body: 'json', action: 'updateMetadefObject', run: changeObject },
      DELETE: { action: 'removeMetadefObject', run: removeObject },
    },
  },
  {
    path: `${namespace}/tags`,
    operations: { GET: { run: listTags }, POST: tagsAtOnce, DELETE: removalOfAll('tags') },
  },
  {
    path: `${namespace}/tags/:name`,
    operations: {
      GET: { run: showTag },
      POST: { action: 'addMetadefTag', run: addTag },
      PUT: { body: 'json', action: 'renameMetadefTag', run: changeTag },
      DELETE: { action: 'removeMetadefTag', run: removeTag },
    },
  },
  {
    path: `${namespace}/resource_types`,
    operations: {
      GET: { run: listAssociations },
      POST: { body: 'json', action: 'addMetadefResourceTypeAssociation', run: addAssociation },
    },
  },
  {
    path: `${namespace}/resource_types/:name`,
    operations: { DELETE: { action: 'removeMetadefResourceTypeAssociation', run: removeAssociation } },
  },
  { path: '/metadefs/resource_types', operations: { GET: { run: listResourceTypes } } },
];
