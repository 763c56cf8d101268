import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { SocketPublisher, SocketSubscriber } from "../../src/workers/room-socket.ts";
import { broadcasterContract } from "../contract/broadcaster.ts";

broadcasterContract("a room object with sockets", async () => {
  const object = (roomId: bigint) => env.ROOMS.getByName(`${roomId}`);
  return {
    publisher: {
      publish(news) {
        void runInDurableObject(object(news.roomId), (_, state) => new SocketPublisher(state).publish(news));
      },
    },
    subscriber: new SocketSubscriber(env.ROOMS),
    breakLink: () => evictDurableObject(object(11n), { webSockets: "close" }),
    [Symbol.asyncDispose]: async () => {},
  };
});
