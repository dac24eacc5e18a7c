// Pages over HTTP/2 without TLS, and over nothing else.
const http2 = require("http2");

const server = http2.createServer((request, response) => {
  response.setHeader("content-type", "text/html");
  response.end(`<!doctype html><title>Pages</title><h1>HTTP/${request.httpVersion}</h1>`);
});
server.listen(process.env.PORT);
process.on("SIGTERM", () => process.exit(0));
