import { defineConfig, type Plugin } from "vite";

// The entry is a small script that makes the page safe at once and asks for the app after. Named in the page, the app's
// chunks are on their way at the same time: on a network with a round trip of 2 s each step of a chain costs 2 s.
function preloadApp(): Plugin {
  return {
    name: "preload-app",
    transformIndexHtml: {
      order: "post",
      handler: (_html, { bundle }) => {
        const chunks = Object.values(bundle ?? {}).filter((output) => output.type === "chunk");
        const entry = chunks.find((chunk) => chunk.isEntry);
        const wanted = new Set<string>();
        const want = (name: string) => {
          if (name === entry?.fileName || wanted.has(name)) return;
          wanted.add(name);
          chunks.find((chunk) => chunk.fileName === name)?.imports.forEach(want);
        };
        entry?.dynamicImports.forEach(want);
        return [...wanted].sort().map((name) => ({
          tag: "link",
          attrs: { rel: "modulepreload", crossorigin: true, href: `/${name}` },
          injectTo: "head",
        }));
      },
    },
  };
}

// The output is a static shell that any origin can serve and anyone can compare byte by byte: nothing in it may
// depend on the machine, the clock or the server. The content security policy allows neither inline scripts nor
// inline styles nor data: addresses, so none may be made.
export default defineConfig({
  base: "/",
  publicDir: "public",
  plugins: [preloadApp()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2020",
    sourcemap: false,
    assetsInlineLimit: 0,
    // What the app needs at first is named in the page (above), and the chunks that come later import nothing new.
    modulePreload: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 400,
    // Without the licence comments of dependencies the shell is smaller; their texts stand in the repository.
    license: false,
  },
  // No variable of the builder's environment may reach the bundle.
  envPrefix: "PEERCHAT_PUBLIC_NEVER_",
});
