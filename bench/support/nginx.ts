/** nginx with sendfile on loopback: what a download is measured against. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Nginx {
  url(file: string): string;
  stop(): void;
}

/** Serves the files of `directory`; null where nginx is not installed. */
export async function nginxFor(directory: string): Promise<Nginx | null> {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
  } catch {
    return null;
  }
  const port = await freePort();
  const config = join(directory, 'nginx.conf');
  writeFileSync(config, configuration(directory, port));
  const child: ChildProcess = spawn('nginx', ['-p', directory, '-c', config], { stdio: 'ignore' });
  await sleep(500);
  return {
    url: (file) => `http://127.0.0.1:${port}/${file}`,
    stop: () => void child.kill('SIGQUIT'),
  };
}

function configuration(directory: string, port: number): string {
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `${user} daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/nginx.log;
events { worker_connections 256; }
http {
  access_log off; sendfile on; sendfile_max_chunk 2m; tcp_nopush on;
  client_body_temp_path ${directory}/nginx-body; proxy_temp_path ${directory}/nginx-proxy;
  fastcgi_temp_path ${directory}/nginx-f; uwsgi_temp_path ${directory}/nginx-u; scgi_temp_path ${directory}/nginx-s;
  server { listen 127.0.0.1:${port}; root ${directory}; }
}
`;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address && typeof address === 'object' ? address.port : 0;
}
