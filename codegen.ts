import type { CodegenConfig } from '@graphql-codegen/cli';

/** Types of the published schema, and a typed `graphql()` for documents: what clients and the tests use. */
export default {
  schema: 'schema/schema.graphql',
  documents: ['src/client/*.ts', 'test/**/*.ts', '!test/support/server.ts'],
  ignoreNoDocuments: true,
  generates: {
    'src/client/gen/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        useTypeImports: true,
        enumsAsTypes: true,
        futureProofEnums: true,
        importExtension: '.ts',
        strictScalars: true,
        scalars: {
          ID: 'string',
          DateTime: 'string',
          BigInt: { input: 'number | string', output: 'number' },
          JSON: 'unknown',
          Upload: 'Blob',
        },
      },
    },
  },
} satisfies CodegenConfig;
