import { chatContract } from "../contract/chat.ts";
import { runtimeContract } from "../contract/runtime.ts";
import { startNodeService } from "../support/node-service.ts";

const protocols = ["Connect JSON", "Connect binary", "Connect over h2", "gRPC-Web", "gRPC"] as const;
runtimeContract("Node", startNodeService, protocols, chatContract);
