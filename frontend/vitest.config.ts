import { defineConfig } from "vitest/config";

// A browser is imitated only where something is rendered, and IndexedDB only where something is stored: whatever
// runs in plain Node has proved that it needs neither.
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: {
    passWithNoTests: false,
    restoreMocks: true,
    projects: [
      {
        extends: true,
        test: {
          name: "core",
          environment: "node",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/store/**", "tests/views/**"],
        },
      },
      {
        extends: true,
        test: {
          name: "store",
          environment: "node",
          include: ["tests/store/**/*.test.ts"],
          setupFiles: ["fake-indexeddb/auto"],
        },
      },
      {
        extends: true,
        test: {
          name: "views",
          environment: "happy-dom",
          include: ["tests/views/**/*.test.{ts,tsx}"],
          setupFiles: ["fake-indexeddb/auto"],
        },
      },
    ],
  },
});
