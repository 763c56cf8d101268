import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { SocketPublisher, SocketSubscriber } from "../../src/workers/room-socket.ts";
import { broadcasterContract } from "../contract/broadcaster.ts";

broadcasterContract("a room object with sockets", async () => {
  const object = (roomId: bigint) => env.ROOMS.getByName(`${roomId}`);
  return {
    publisher: {
      publish(batch) {
        void runInDurableObject(object(batch[0].roomId), (_, state) => new SocketPublisher(state).publish(batch));
      },
    },
    subscriber: new SocketSubscriber(env.ROOMS),
    breakLink: () => evictDurableObject(object(11n), { webSockets: "close" }),
    [Symbol.asyncDispose]: async () => {},
  };
});
