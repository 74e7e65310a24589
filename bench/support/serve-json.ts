/** The barest server there is, for those that answer with JSON and nothing else. */
import { createServer } from 'node:http';

export function serveJson(port: number, answer: (url: string) => Promise<string>): void {
  createServer((request, response) => {
    answer(request.url ?? '/').then(
      (body) => {
        response.setHeader('content-type', 'application/json');
        response.setHeader('content-length', Buffer.byteLength(body));
        response.end(body);
      },
      (error: unknown) => {
        console.error(error);
        response.destroy();
      },
    );
  }).listen(port, '127.0.0.1');
}
