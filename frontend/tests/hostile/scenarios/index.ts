import { COMMIT_SCENARIOS } from "./commits";
import { LOG_SCENARIOS } from "./logs";
import { MESSAGE_SCENARIOS } from "./messages";
import { WELCOME_SCENARIOS } from "./welcomes";

export const SCENARIOS = [...LOG_SCENARIOS, ...COMMIT_SCENARIOS, ...WELCOME_SCENARIOS, ...MESSAGE_SCENARIOS];
