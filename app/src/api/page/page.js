// The page of a node: lists what /openapi.json describes and lets one try each. Values are only ever set as text.
"use strict";

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// The URL that the filled-in form of an operation stands for. A slash within a value is encoded: denominations hold them.
const urlOf = (path, fields) => {
  const query = new URLSearchParams();
  let filled = path;
  for (const { parameter, input } of fields) {
    const value = input.value.trim();
    if (parameter.in === "path") {
      filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(value));
    } else if (value !== "") {
      query.append(parameter.name, value);
    }
  }
  return query.size === 0 ? filled : `${filled}?${query}`;
};

const show = async (verb, url, sent, output) => {
  output.textContent = "Asking\u2026";
  try {
    const response = await fetch(url, sent === undefined ? {} : { method: verb, headers: { "content-type": "application/json" }, body: sent });
    const text = await response.text();
    let body = text;
    try {
      body = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // Not JSON: shown as it came.
    }
    output.textContent = `${verb} ${url}\n${response.status} ${response.statusText}\n\n${body}`;
  } catch (error) {
    output.textContent = `${verb} ${url}\n${error}`;
  }
};

const tryForm = (path, verb, operation) => {
  const output = make("pre", { hidden: true, tabIndex: 0 });
  output.setAttribute("aria-live", "polite");
  const fields = operation.parameters.filter((p) => p.in !== "header").map((parameter) => {
    const input = make("input", { required: parameter.in === "path", spellcheck: false, autocomplete: "off", value: parameter.example ?? "" });
    const label = make("label", {}, parameter.name + (parameter.in === "path" ? " (required)" : ""), input);
    if (parameter.description) label.append(make("span", { className: "about", textContent: parameter.description }));
    return { parameter, input, label };
  });
  const example = operation.requestBody?.content["application/json"].example;
  const body = make("textarea", { rows: 8, spellcheck: false, value: JSON.stringify(example, null, 2) ?? "" });
  const bodies = example === undefined ? [] : [make("label", {}, "Body (JSON)", body)];
  const form = make("form", {}, ...fields.map((f) => f.label), ...bodies, make("button", { textContent: "Try" }), output);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    output.hidden = false;
    show(verb.toUpperCase(), urlOf(path, fields), bodies.length === 0 ? undefined : body.value, output);
  });
  return form;
};

const entry = (path, verb, operation) => {
  const summary = make("summary", {}, make("span", { className: "verb", textContent: verb.toUpperCase() }), make("code", { textContent: path }));
  const details = make("details", {}, summary);
  // Forms are many: each is made when it is first opened.
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    details.append(make("p", { className: "about", textContent: operation.description || operation.summary }));
    details.append(tryForm(path, verb, operation));
  });
  details.dataset.words = `${path} ${operation.operationId} ${operation.description}`.toLowerCase();
  return details;
};

// Our own services first, then the others by name.
const rank = (name) => (name.startsWith("cairn.") ? "0" : "1") + name;

const list = (api, main) => {
  const byService = new Map(api.tags.map((tag) => [tag.name, { tag, entries: [] }]));
  for (const [path, verbs] of Object.entries(api.paths)) {
    for (const [verb, operation] of Object.entries(verbs)) {
      byService.get(operation.tags[0]).entries.push(entry(path, verb, operation));
    }
  }
  const services = [...byService.values()].sort((a, b) => (rank(a.tag.name) < rank(b.tag.name) ? -1 : 1));
  for (const { tag, entries } of services) {
    const section = make("section", {}, make("h2", { textContent: tag.name }));
    if (tag.description) section.append(make("p", { className: "about", textContent: tag.description }));
    section.append(...entries);
    main.append(section);
  }
};

const filter = (text, main) => {
  const words = text.toLowerCase().split(/\s+/);
  for (const section of main.querySelectorAll("section")) {
    let any = false;
    for (const details of section.querySelectorAll("details")) {
      details.hidden = !words.every((word) => details.dataset.words.includes(word));
      any ||= !details.hidden;
    }
    section.hidden = !any;
  }
};

const state = async (line) => {
  try {
    const health = await (await fetch("/healthz")).json();
    line.textContent = `Chain ${health.chain_id}, height ${health.height}.`;
  } catch (error) {
    line.textContent = `The node does not answer: ${error}`;
  }
};

const main = document.getElementById("endpoints");
state(document.getElementById("state"));
fetch("/openapi.json").then((r) => r.json()).then((api) => {
  list(api, main);
  const input = document.getElementById("filter");
  input.addEventListener("input", () => filter(input.value, main));
}).catch((error) => main.append(make("p", { textContent: `The list of endpoints cannot be read: ${error}` })));
