import { defineConfig } from "vite";

// The output is a static shell that any origin can serve and anyone can compare byte by byte: nothing in it may
// depend on the machine, the clock or the server. The content security policy allows neither inline scripts nor
// inline styles nor data: addresses, so none may be made.
export default defineConfig({
  base: "/",
  publicDir: "public",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2020",
    sourcemap: false,
    assetsInlineLimit: 0,
    // Each browser that has all that the app needs (Web Locks) also has modulepreload.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 400,
    // Without the licence comments of dependencies the shell is smaller; their texts stand in the repository.
    license: false,
  },
  // No variable of the builder's environment may reach the bundle.
  envPrefix: "PEERCHAT_PUBLIC_NEVER_",
});
