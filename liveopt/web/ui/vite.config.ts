/// <reference types="vitest/config" />
import { defineConfig } from "vite";

/** Everything is a file of its own: the page's policy allows no inline script, style or data. */
export default defineConfig({
  base: "/",
  build: {
    outDir: "../static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    target: "es2022",
    sourcemap: false,
  },
  server: { port: 5173 },
  test: { include: ["src/**/*.test.ts"], css: true },
});
