// This file is where the client's bundles are built; `node build.mjs` from this folder.

import { build } from "esbuild";
import { mkdir, readFile, writeFile } from "node:fs/promises";

const page = "../static/client";
const engines = "../../grid/engines/assets";
const common = { bundle: true, minify: true, charset: "ascii", target: "es2022", legalComments: "none", logLevel: "warning" };

await mkdir(page, { recursive: true });
await mkdir(engines, { recursive: true });

// The Arrow decoder asks for Math.log2, which programs must not find.
const runtimeOptions = { ...common, inject: ["runtime/log2.ts"], define: { "Math.log2": "keptLog2" } };

// Two steps: the frame has no network, so it carries the Worker's runtime as a string.
const runtime = await build({
  ...runtimeOptions,
  entryPoints: ["runtime/worker.ts"],
  format: "iife",
  globalName: "grid",
  write: false,
});
// A `var` of the top level would be a property of the global object that cannot be removed.
const runtimeText = runtime.outputFiles[0].text.replace(/^"use strict";var grid=/, "const grid=");
if (!runtimeText.startsWith("const grid=")) throw new Error("esbuild spelled the runtime otherwise");

// The form library styles by attribute, which a strict policy refuses; by property it may.
const stylesByProperty = {
  name: "styles-by-property",
  setup({ onLoad }) {
    onLoad({ filter: /json-editor.dist.jsoneditor\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const styled = text.replaceAll(/([\w$.]+)\.setAttribute\("style",/g, "gridStyle($1,");
      const contents = `const gridStyle=(one,css)=>{one.style.cssText=css};${styled.replaceAll(/ style='[^']*'/g, "")}`;
      if (styled === text) throw new Error("the form library styles otherwise now");
      return { contents };
    });
  },
};

await Promise.all([
  build({
    ...common,
    entryPoints: ["frame/frame.ts"],
    format: "iife",
    define: { RUNTIME_TEXT: JSON.stringify(runtimeText) },
    outfile: `${page}/frame.js`,
  }),
  build({ ...common, entryPoints: ["broker/main.ts"], format: "iife", outfile: `${page}/volunteer.js` }),
  build({ ...common, entryPoints: ["pages/job.ts", "pages/charts.ts"], format: "esm", outdir: page }),
  build({ ...common, entryPoints: ["submit/main.ts"], plugins: [stylesByProperty], format: "esm", outfile: `${page}/new.js` }),
  build({ ...common, entryPoints: ["card/main.ts"], format: "iife", outfile: `${page}/card.js` }),
  build({ ...common, entryPoints: ["verify/main.ts"], format: "esm", outfile: `${page}/verify.js` }),
  build({ ...common, entryPoints: ["broker/consent.ts"], format: "iife", outfile: `${page}/consent.js` }),
  build({ ...common, entryPoints: ["embed/main.ts"], format: "iife", outfile: `${page}/embed.js` }),
  build({ ...common, entryPoints: ["broker/engine.ts"], format: "esm", outfile: `${page}/engine.js` }),
  build({ ...runtimeOptions, entryPoints: ["runtime/deno.ts"], format: "esm", outfile: `${engines}/runtime-deno.js` }),
  build({
    ...runtimeOptions,
    entryPoints: ["runtime/quickjs.ts"],
    inject: [...runtimeOptions.inject, "runtime/text.ts"],
    format: "iife",
    globalName: "grid",
    // The script's value is the one function, and no name of it stays in the realm.
    banner: { js: "(() => {" },
    footer: { js: "return grid.answer;\n})()" },
    outfile: `${engines}/runtime-quickjs.js`,
  }),
]);

const bundled = [
  "@codemirror/autocomplete/LICENSE",
  "@codemirror/commands/LICENSE",
  "@codemirror/lang-json/LICENSE",
  "@codemirror/language/LICENSE",
  "@codemirror/lint/LICENSE",
  "@codemirror/search/LICENSE",
  "@codemirror/state/LICENSE",
  "@codemirror/streamparser/LICENSE",
  "@codemirror/view/LICENSE",
  "@json-editor/json-editor/LICENSE",
  "@kurkle/color/LICENSE.md",
  "@lezer/common/LICENSE",
  "@lezer/highlight/LICENSE",
  "@lezer/json/LICENSE",
  "@lezer/lr/LICENSE",
  "@marijn/find-cluster-break/LICENSE",
  "@noble/ciphers/LICENSE",
  "@noble/ed25519/LICENSE",
  "@noble/hashes/LICENSE",
  "@uwdata/flechette/LICENSE",
  "chart.js/LICENSE.md",
  "codemirror/LICENSE",
  "crelt/LICENSE",
  "style-mod/LICENSE",
  "w3c-keyname/LICENSE",
];
const licenses = await Promise.all(
  bundled.map(async (path) => `${path}\n\n${await readFile(`node_modules/${path}`, "utf8")}`),
);
for (const folder of [page, engines]) await writeFile(`${folder}/LICENSES.txt`, licenses.join("\n\n"));
