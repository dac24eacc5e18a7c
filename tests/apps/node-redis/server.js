// Counts visits in Redis.
const express = require("express");
const redis = require("redis");

const cache = redis.createClient({ url: process.env.REDIS_URL });
const app = express();
app.get("/health", (request, response) => response.sendStatus(204));
app.get("/", async (request, response) => response.json({ visits: await cache.incr("visits") }));
cache.connect().then(() => app.listen(process.env.PORT));
process.on("SIGTERM", () => process.exit(0));
