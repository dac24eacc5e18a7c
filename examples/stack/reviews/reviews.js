// What people say of a book: asks `ratings`, and passes on who asks.

const http = require("node:http");

const TEXTS = ["Short, and to the point.", "I have read it twice."];
const ME = {
  member: "reviews",
  label: process.env.PREVS_LABEL ?? "",
  commit: process.env.PREVS_COMMIT ?? "",
  variant: process.env.PREVS_STACK ?? "",
};

async function collect(baggage) {
  // Who passes `baggage` on stays in the variant of a stack in which the visitor began.
  const headers = baggage ? { baggage } : {};
  const answer = await fetch(process.env.RATINGS_URL, { headers });
  if (!answer.ok) throw new Error(`ratings answers ${answer.status}`);
  const ratings = await answer.json();
  const reviews = TEXTS.map((text, place) => `${ratings.stars[place]} of 5: ${text}`);
  return { ...ME, reviews, ratings };
}

http
  .createServer(async (request, response) => {
    if (request.url === "/healthz") {
      response.end("ok\n");
      return;
    }
    try {
      const found = await collect(request.headers.baggage);
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify(found));
    } catch (error) {
      response.statusCode = 502;
      response.end(`${error.message}\n`);
    }
  })
  .listen(Number(process.env.PORT ?? 8080));
