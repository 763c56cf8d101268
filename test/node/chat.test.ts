import { chatContract } from "../contract/chat.ts";
import { startNodeService } from "../support/node-service.ts";

chatContract("Node", startNodeService, ["Connect JSON", "Connect binary", "Connect over h2", "gRPC-Web", "gRPC"]);
