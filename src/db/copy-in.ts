/** COPY ... FROM STDIN over a connection of pg, which has the messages for it and no function. */
import type pg from 'pg';

/** What pg's connection has and its types leave out. */
interface CopyConnection extends pg.Connection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** PostgreSQL takes no message above 1 GiB, and a whole batch in one would be held twice. */
const messageBytes = 1 << 20;

/**
 * Sends `data`, rows in the text format, to `copy <table> (<columns>) from stdin`.
 * @throws the database's error: a row that is not taken, a connection that breaks
 */
export function copyIn(client: pg.ClientBase, statement: string, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    // pg calls these by their names, as it does those of its own queries.
    const query = {
      submit(connection: pg.Connection) {
        connection.query(statement);
      },
      handleCopyInResponse(connection: CopyConnection) {
        for (let at = 0; at < data.length; at += messageBytes) {
          connection.sendCopyFromChunk(data.subarray(at, at + messageBytes));
        }
        connection.endCopyFrom();
      },
      handleCommandComplete() {},
      /** Of the server, after which it is ready again; or of the connection, and nothing follows. */
      handleError(error: Error) {
        failure = error;
        if (!('severity' in error)) reject(error);
      },
      handleReadyForQuery() {
        if (failure) reject(failure);
        else resolve();
      },
      callback() {},
    };
    client.query(query);
  });
}
