/** Stands in for the pods of the data plane where a test is about the operator: ready and live, and does nothing. */
import { createServer } from 'node:http';

const host = process.env['POD_IP'];
const server = createServer((_request, response) => response.end('ok\n'));
server.listen(8081, host);
