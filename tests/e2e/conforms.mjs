// SPDX-License-Identifier: BSD-3-Clause
// conforms.mjs SCHEMA: whether the JSON document on stdin is what the JSON
// Schema in the file says (draft 7 or 2020-12, as its $schema tells).
// Exit status 1 and the findings on stdout when it is not.
import { readFileSync } from "node:fs";
import Draft7 from "ajv";
import Draft2020 from "ajv/dist/2020.js";

// Ajv takes the anchor that OpenAPI's schema calls "meta" for another one;
// where nothing overrides it, it is this definition.
const schema = JSON.parse(readFileSync(process.argv[2], "utf8")
  .replaceAll(/"\$dynamicRef":\s*"#meta"/g, '"$ref":"#/$defs/schema"'));
const document = JSON.parse(readFileSync(0, "utf8"));
const Ajv = schema.$schema.includes("2020-12") ? Draft2020.default : Draft7;
const ajv = new Ajv({ strict: false, validateFormats: false });
const conforms = ajv.compile(schema);
if (!conforms(document)) {
  for (const { instancePath, message, params } of conforms.errors)
    console.log(`${instancePath}: ${message} ${JSON.stringify(params)}`);
  process.exit(1);
}
