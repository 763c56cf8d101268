import { startNodeService } from "../support/node-service.ts";
import { conversationModel } from "./conversation-model.ts";

conversationModel("an embedded file", startNodeService);
