// A shop whose orders have a chat. Its users and orders have UUIDs, its login is its own, and the browser talks to Roomlog
// directly. README.md says how to start it.
import { readFileSync } from "node:fs";
import process from "node:process";
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { serve } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { SignJWT } from "jose";
import { ChatService, type Message, MessageKind } from "../../gen/chat_pb.ts";

const { ROOMLOG = "http://127.0.0.1:8080", PORT = "3000", ...env } = process.env;
const { API_KEYS: keys = "", JWT_SECRET: secret = "", JWT_ISSUER: issuer = "", JWT_AUDIENCE: audience = "" } = env;

// The product's own tables.
const people = ["Ann", "Ben", "Sue"].map((name) => ({ id: crypto.randomUUID(), name, password: name.toLowerCase() }));
const sue = people[2]!; // who sells
const sessions = new Map<string, (typeof people)[number]>();
const mails: { readonly to: string; readonly text: string }[] = [];

// The backend's client is typed by the contract, and has the key of a service.
const withKey: Interceptor = (next) => (req) => {
  req.header.set("authorization", `Bearer ${keys.split(",")[0]}`);
  return next(req);
};
const transport = createConnectTransport({ baseUrl: ROOMLOG, httpVersion: "1.1", interceptors: [withKey] });
const chat = createClient(ChatService, transport);

const app = new Hono();
const signedIn = (c: Context) => sessions.get(getCookie(c, "session") ?? "");

app.get("/", (c) => c.html(readFileSync(new URL("page.html", import.meta.url), "utf8")));

app.post("/login", async (c) => {
  const { name, password } = await c.req.json();
  const person = people.find((each) => each.name === name && each.password === password);
  if (!person) return c.json({ error: "nobody has this name and this password" }, 401);
  const session = crypto.randomUUID();
  sessions.set(session, person);
  setCookie(c, "session", session, { httpOnly: true, sameSite: "Strict" });
  return c.json({});
});

// What the browser needs to call Roomlog itself: a token for a quarter of an hour, as the user whom the product knows.
app.get("/chat", async (c) => {
  const person = signedIn(c);
  if (!person) return c.json({ error: "sign in first" }, 401);
  const token = await new SignJWT({ name: person.name })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(person.id)
    .setIssuedAt()
    .setExpirationTime("15m")
    .sign(new TextEncoder().encode(secret));
  return c.json({ roomlog: ROOMLOG, token });
});

// An order opens its room, and lets the buyer and the seller in. Both calls may be repeated: there is one room, one message.
app.post("/orders", async (c) => {
  const buyer = signedIn(c);
  if (!buyer) return c.json({ error: "sign in first" }, 401);
  const order = { id: crypto.randomUUID(), item: (await c.req.json()).item };
  const { room } = await chat.ensureRoom({
    room: { case: "key", value: `order:${order.id}` },
    memberKeys: [buyer.id, sue.id],
    name: `${order.item} for ${buyer.name}`,
    data: order,
  });
  const said = { body: `${buyer.name} has ordered: ${order.item}`, data: { state: "ordered" } };
  await chat.sendMessage({ roomId: room!.id, ...said, kind: MessageKind.SYSTEM, clientMessageId: order.id });
  return c.json(order);
});

app.get("/mails", (c) => c.json(mails.filter(({ to }) => to === signedIn(c)?.name)));

// The backend's eye: every change of every room, from the last cursor on. Here it mails those who are mentioned.
async function watch(): Promise<never> {
  for (let after = "now"; ; await new Promise((resolve) => setTimeout(resolve, 1_000))) {
    try {
      for await (const { cursor, event } of chat.streamAll({ after })) {
        if (event.case === "message") await mail(event.value);
        after = cursor; // a product keeps it in its database
      }
    } catch (e) {
      console.error(`${e}`);
    }
  }
}

async function mail({ seq, createdSeq, body, mentionedUserIds: userIds }: Message): Promise<void> {
  if (seq !== createdSeq || userIds.length === 0) return; // an edit, a reaction; or nobody
  const { profiles } = await chat.getProfiles({ userIds });
  for (const { name } of profiles) mails.push({ to: name, text: body });
}

void watch();
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(PORT) });
console.log(`orders on http://127.0.0.1:${PORT}`);
