import { conversationModel } from "./conversation-model.ts";
import { onOneMemory } from "./servers.ts";

conversationModel("a store in memory", onOneMemory(1));
conversationModel("two servers on a store in memory", onOneMemory(2));
