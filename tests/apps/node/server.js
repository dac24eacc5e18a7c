// A chat: pages by Express, messages by WebSockets.
const express = require("express");
const http = require("http");
const { WebSocketServer } = require("ws");

const PAGE = `<!doctype html><title>Chat</title><h1>Chat</h1>
<form><input aria-label="Message"><button>Send</button></form><ul></ul>
<script>
  const socket = new WebSocket(location.href.replace(/^http/, "ws"));
  const list = document.querySelector("ul");
  socket.onmessage = ({ data }) => {
    list.append(Object.assign(document.createElement("li"), { textContent: data }));
  };
  document.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    socket.send(document.querySelector("input").value);
  };
</script>`;

const app = express();
app.get("/", (request, response) => response.send(PAGE));
const server = http.createServer(app);
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket) => {
  socket.send("Welcome.");
  socket.on("message", (message) => sockets.clients.forEach((each) => each.send(`${message}`)));
});
server.listen(process.env.PORT);
process.on("SIGTERM", () => process.exit(0));
