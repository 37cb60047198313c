import { fileURLToPath } from "node:url";
import { mergeConfig } from "vite";
import app from "../../vite.config.js";

// Every screen with made-up people, built as the app is built, for tests to look at. It is never part of dist.
// eslint-disable-next-line no-restricted-syntax -- Vite reads the default export.
export default mergeConfig(app, {
  root: fileURLToPath(new URL(".", import.meta.url)),
  publicDir: fileURLToPath(new URL("../../public", import.meta.url)),
});
