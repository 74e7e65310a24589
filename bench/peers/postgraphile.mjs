/**
 * PostGraphile over a catalog, as its documentation sets it up for production: the Amber preset with the filter
 * plugin, no GraphiQL, no watching. Ends with SIGTERM.
 *
 *   node bench/peers/postgraphile.mjs <port> <address of the database, as JSON>
 */
import { createServer } from 'node:http';
import pg from 'pg';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { jsonPgSmartTags } from 'postgraphile/utils';
import { PostGraphileConnectionFilterPreset } from 'postgraphile-plugin-connection-filter';

const [port, given] = process.argv.slice(2);
if (!port || !given) throw new Error('usage: postgraphile.mjs <port> <address>');
const address = JSON.parse(given);
const where =
  'url' in address
    ? { connectionString: address.url }
    : { host: address.socketDir, port: address.port, user: address.user, database: address.database };
// As many connections as Vitrine has for searches; on two cores more of them are slower.
const pool = new pg.Pool({ ...where, max: 4 });

/** By default there is no filter on a column of JSON. */
const filterByProperties = jsonPgSmartTags({
  version: 1,
  config: { attribute: { 'public.images.properties': { tags: { behavior: '+attribute:filterBy' } } } },
});

const instance = postgraphile({
  extends: [PostGraphileAmberPreset, PostGraphileConnectionFilterPreset],
  plugins: [filterByProperties],
  pgServices: [makePgService({ pool, schemas: ['public'], pubsub: false })],
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
  grafast: { explain: false },
});
const server = createServer();
const serv = instance.createServ(grafserv);
const answer = serv.createHandler();
await serv.ready();
server.on('request', (request, response) => {
  if (request.url === '/readyz') response.end();
  else answer(request, response);
});
server.listen(Number(port), '127.0.0.1');
