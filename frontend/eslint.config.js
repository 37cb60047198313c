import boundaries from "eslint-plugin-boundaries";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

// Who may import whom; all else is refused. What a layer needs from beside or above it, main.ts and joined.ts hand to it.
const LAYERS = {
  protocol: [],
  crypto: ["protocol"],
  transport: ["protocol"],
  crisis: ["protocol"],
  store: ["crypto", "protocol"],
  words: [],
  views: ["store", "protocol", "words"],
};

// Libraries that only some layers may use, so that a key is handled in one place and a page is drawn in one place.
const LIBRARIES = {
  "ts-mls": ["crypto"],
  "ts-mls/**": ["crypto"],
  "@noble/**": ["crypto"],
  "hash-wasm": ["crypto"],
  preact: ["views"],
  "preact/**": ["views"],
  "@preact/signals": ["store", "views"],
};

const refusedLibraries = (layer) =>
  Object.entries(LIBRARIES)
    .filter(([, layers]) => !layers.includes(layer))
    .map(([library]) => library);

// Text reaches the page as text nodes and nothing else; the page's policy would refuse the rest at run time.
const HTML_SINKS = [
  "innerHTML",
  "outerHTML",
  "srcdoc",
  "dangerouslySetInnerHTML",
  "insertAdjacentHTML",
  "createContextualFragment",
  "setHTMLUnsafe",
  "parseFromString",
];
const sinkPattern = `/^(${HTML_SINKS.join("|")})$/`;
const noHtml = [
  `MemberExpression[property.name=${sinkPattern}]`,
  `MemberExpression[property.value=${sinkPattern}]`,
  `Property[key.name=${sinkPattern}]`,
  `JSXAttribute[name.name=${sinkPattern}]`,
  "CallExpression[callee.object.name='document'][callee.property.name=/^write(ln)?$/]",
].map((selector) => ({ selector, message: "No HTML from strings: text is rendered as text nodes." }));

const noInlineStyle = {
  selector: "JSXAttribute[name.name='style']",
  message: "The content security policy refuses inline styles: use a class.",
};
const noDefaultExport = {
  selector: "ExportDefaultDeclaration, ExportSpecifier[exported.name='default']",
  message: "Named exports only.",
};

export default defineConfig(
  // Declarations of what others export: their default exports are not ours to name.
  globalIgnores(["dist", "node_modules", "src/protocol/generated*", "src/**/*.d.ts"]),
  {
    files: ["src/**/*.{ts,tsx}", "tests/**/*.{ts,tsx}"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "no-restricted-syntax": ["error", ...noHtml, noInlineStyle, noDefaultExport],
      "no-console": "error",
      "no-eval": "error",
      "no-new-func": "error",
      "no-script-url": "error",
      eqeqeq: "error",
      "prefer-const": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      // A closed vocabulary from the wire: a default that refuses is as exhaustive as it gets.
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      // An async method without an await turns a throw into a rejection, as the interface it fills promises.
      "@typescript-eslint/require-await": "off",
      // `type` for data, `interface` for behaviour.
      "@typescript-eslint/method-signature-style": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    plugins: { boundaries },
    settings: {
      "boundaries/root-path": import.meta.dirname,
      "boundaries/include": ["src/**/*"],
      "boundaries/elements": Object.keys(LAYERS).map((layer) => ({ type: layer, pattern: `src/${layer}` })),
      "boundaries/files": [{ category: "main", pattern: "src/{main,joined}.ts" }],
      "import/resolver": { node: { extensions: [".ts", ".tsx", ".js", ".json"] } },
    },
    rules: {
      "boundaries/no-unknown-files": "error",
      "boundaries/dependencies": [
        "error",
        {
          default: "disallow",
          policies: [
            { from: { file: { categories: "main" } }, allow: { to: { element: { type: "*" } } } },
            { from: { file: { categories: "main" } }, allow: { to: { file: { categories: "main" } } } },
            ...Object.entries(LAYERS).map(([layer, below]) => ({
              from: { element: { type: layer } },
              allow: { to: { element: { types: { anyOf: [layer, ...below] } } } },
            })),
          ],
        },
      ],
    },
  },
  ...Object.keys(LAYERS).map((layer) => ({
    files: [`src/${layer}/**/*.{ts,tsx}`],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: refusedLibraries(layer),
              message: `src/${layer} may not use this: see eslint.config.js.`,
            },
          ],
        },
      ],
    },
  })),
  {
    files: ["tests/**/*.{ts,tsx}"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
    },
  },
);
