// Stands in for nginx as the server behind every gateway where nginx is missing: `node upstream.mjs PORT ANSWER`.
import { createServer } from 'node:http';

const [port, answer] = process.argv.slice(2);
createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  request.resume();
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(answer) });
  response.end(answer);
}).listen(Number(port), '127.0.0.1');
