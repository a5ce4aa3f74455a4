/**
 * What test Pods run: an HTTP server on POD_IP:PORT that tells who it is.
 *
 * `/` answers its name, VERSION and process id; `/ready` answers 200 unless the file READY_FILE says otherwise; `/file` answers the
 * content of READY_FILE; `/crash` ends it with exit code 3. On SIGTERM it says so and ends with exit code 0.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { POD_IP, POD_NAME, PORT = '8080', VERSION, READY_FILE } = process.env;

const readFile = (): string => {
  try {
    return READY_FILE === undefined ? 'yes' : readFileSync(READY_FILE, 'utf8');
  } catch {
    return 'no file';
  }
};

const server = createServer((request, response) => {
  response.setHeader('connection', 'close');
  if (request.url === '/crash') process.exit(3);
  else if (request.url === '/ready') response.writeHead(readFile().startsWith('yes') ? 200 : 503).end();
  else if (request.url === '/file') response.end(readFile());
  else response.end(JSON.stringify({ name: POD_NAME, version: VERSION, pid: process.pid }));
});

process.on('SIGTERM', () => {
  process.stdout.write('got SIGTERM\n');
  process.exit(0);
});
process.stdout.write(`starting ${VERSION ?? ''}\n`);
server.listen(Number(PORT), POD_IP, () => process.stdout.write('listening\n'));
