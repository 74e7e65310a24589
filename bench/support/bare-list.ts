/**
 * What a list is measured against: one statement written by hand behind node:http, with nothing around it. Any
 * request gives the first 25 images as the GraphQL request of the benchmark does, to the byte.
 *
 *   node bench/support/bare-list.ts <port> <address of the database, as JSON>
 */
import { connect } from '../../src/db/client.ts';
import { serveJson } from './serve-json.ts';

interface Row {
  name: string | null;
  status: string;
  size: number | null;
  tags: string[];
  properties: Record<string, string>;
}

const [port, address] = process.argv.slice(2);
if (!port || !address) throw new Error('usage: bare-list.ts <port> <address>');
const sql = connect(JSON.parse(address));

async function list(): Promise<string> {
  const rows = await sql<Row[]>`
    select name, status, size, tags, properties from images where not hidden
    order by created_at desc, id desc limit ${25}`;
  return JSON.stringify({ data: { images: { nodes: rows.map(nodeOf) } } });
}

function nodeOf({ name, status, size, tags, properties }: Row): object {
  const names = Object.keys(properties).sort();
  return {
    name,
    status: status.toUpperCase(),
    size,
    tags,
    properties: names.map((property) => ({ name: property, value: properties[property] })),
  };
}

serveJson(Number(port), list);
