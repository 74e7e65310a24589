/** What normalising caches need to know of the schema: which types are entities, and how lists page. */
import possible from './possible-types.json' with { type: 'json' };

/** Values inside their parent: types without an id, or that nothing refers to by it. */
const values = [
  'AuditActor',
  'AuditChange',
  'AuditEntry',
  'AuditEntryConnection',
  'AuditEntryEdge',
  'Digest',
  'Facet',
  'FacetBucket',
  'HttpHeader',
  'ImageBlock',
  'ImageBlockConnection',
  'ImageBlockEdge',
  'ImageCapabilities',
  'ImageConnection',
  'ImageEdge',
  'ImageFailure',
  'ImageInspection',
  'ImageMemberConnection',
  'ImageMemberEdge',
  'ImageProperty',
  'ImagePropertyName',
  'ImageSignature',
  'MetadefNamespaceConnection',
  'MetadefNamespaceEdge',
  'MetadefObjectConnection',
  'MetadefObjectEdge',
  'MetadefPropertyConnection',
  'MetadefPropertyEdge',
  'MetadefResourceTypeAssociation',
  'PageInfo',
  'ParsedSearch',
  'PropertyIssue',
  'Quota',
  'SearchError',
  'ServiceInfo',
  'TaskConnection',
  'TaskEdge',
  'TaskProgress',
  'TokenConnection',
  'TokenEdge',
  'TransferTarget',
  'ValidationIssue',
  'Viewer',
  'ViewerCapabilities',
] as const;

/** For urql: `cacheExchange({ keys: urqlKeys, possibleTypes })` of @urql/exchange-graphcache. */
export const urqlKeys: Record<string, () => null> = Object.fromEntries(
  values.map((name) => [name, () => null]),
);

/** For Apollo: `new InMemoryCache({ typePolicies, possibleTypes })`. */
export const typePolicies: Record<
  string,
  { keyFields?: false; fields?: Record<string, { keyArgs: string[] }> }
> = {
  ...Object.fromEntries(values.map((name) => [name, { keyFields: false as const }])),
  Query: {
    fields: {
      images: { keyArgs: ['where', 'search', 'include', 'orderBy'] },
      auditLog: { keyArgs: ['where'] },
      metadefNamespaces: { keyArgs: ['where', 'orderBy'] },
      tokens: { keyArgs: ['project'] },
    },
  },
};

/** Interface or union -> the types behind it. */
export const possibleTypes: Record<string, string[]> = possible;
