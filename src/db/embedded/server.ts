export interface EmbeddedPostgres { readonly connection: { socketDir: string; port: number; user: string; database: string }; close(): Promise<void>; }
export async function openEmbeddedPostgres(_d: string, _o?: { log?: (m: string) => void }): Promise<EmbeddedPostgres> { throw new Error('placeholder: to be replaced'); }
