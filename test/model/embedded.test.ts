import { conversationModel } from "./conversation-model.ts";
import { startInThisProcess } from "./servers.ts";

conversationModel("an embedded file", startInThisProcess, 40);
