// The chain's wire contract as JavaScript sees it: types by protobufjs, signers and amino JSON from the same descriptors' options. Written
// against the amino rules as CosmJS's own converters show them, not against the node, so that the two can disagree.
import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor/index.js";

const { Field, Root } = protobuf;
// Options are extensions: protobufjs keeps only what it knows.
descriptor.MessageOptions.add(new Field("signer", 11110000, "string", "repeated"));
descriptor.MessageOptions.add(new Field("aminoName", 11110001, "string"));
descriptor.MessageOptions.add(new Field("aminoEncoding", 11110002, "string"));
descriptor.FieldOptions.add(new Field("aminoFieldName", 11110004, "string"));
descriptor.FieldOptions.add(new Field("keepEmpty", 11110005, "bool"));
descriptor.FieldOptions.add(new Field("oneofName", 11110006, "string"));
descriptor.FieldOptions.add(new Field("scalar", 93002, "string"));

const set = descriptor.FileDescriptorSet.decode(readFileSync(new URL("../../proto/src/gen/descriptors.binpb", import.meta.url)));
const files = new Map(set.file.map((file) => [file.name, file]));
const root = Root.fromDescriptor(descriptor.FileDescriptorSet.create({ file: [...files.values()] })).resolveAll();

const messages = new Map();
const enums = new Map();
const walk = (prefix, message) => {
  const name = `${prefix}.${message.name}`;
  messages.set(name, message);
  message.nestedType.forEach((inner) => walk(name, inner));
  message.enumType.forEach((inner) => enums.set(`${name}.${inner.name}`, inner));
};
for (const file of files.values()) {
  file.messageType.forEach((message) => walk(`.${file.package}`, message));
  file.enumType.forEach((one) => enums.set(`.${file.package}.${one.name}`, one));
}

/** Every message of a service `Msg`, by type URL. */
export const requests = [...files.values()].flatMap((file) =>
  file.service.filter((s) => s.name === "Msg").flatMap((s) => s.method.map((m) => `/${m.inputType.slice(1)}`)),
);

/** The protobufjs type of a URL, which CosmJS's registry takes as it is. */
export const typeOf = (url) => root.lookupType(url.slice(1));

/** The name under which a message stands in an amino document. */
export const aminoName = (url) => messages.get(`.${url.slice(1)}`).options?.aminoName || url;

const LIST = 3;
const MESSAGE = 11;
const ENUM = 14;
const STRING = 9;
const BYTES = 12;
const BOOL = 8;
const WIDE = [3, 4, 6, 16, 18];

const signers = (message) => message.options?.signer ?? [];

/** A message with only its signers set, or with every field set if `full`. */
export function sample(url, address, operator, full) {
  return build(messages.get(`.${url.slice(1)}`), { address, operator, full }, 0);
}

function build(message, how, depth) {
  const out = {};
  const taken = new Set();
  for (const field of message.field) {
    const wanted = signers(message).includes(field.name) || (how.full && depth < 5);
    const grouped = Object.hasOwn(field, "oneofIndex") && field.oneofIndex !== null;
    if (!wanted || (grouped && taken.has(field.oneofIndex))) continue;
    if (grouped) taken.add(field.oneofIndex);
    const value = one(field, how, depth, signers(message).includes(field.name));
    if (value === undefined) continue;
    out[field.name] = field.label === LIST ? [value, value] : value;
  }
  return out;
}

function one(field, how, depth, signs) {
  if (field.type === MESSAGE) return inner(field.typeName, how, depth);
  if (field.type === ENUM) return enums.get(field.typeName).value.find((v) => v.number > 0)?.number ?? 0;
  if (field.type === STRING) return text(field, how, signs);
  if (field.type === BYTES) return scalar(field) ? Buffer.from(scalar(field)) : Buffer.from([1, 2, 255]);
  if (field.type === BOOL) return true;
  if (WIDE.includes(field.type)) return "9007199254740993";
  return 7;
}

function scalar(field) {
  return { "cosmos.Dec": "250000000000000000", "cosmos.Int": "340282366920938463463374607431768211455" }[field.options?.scalar];
}

/** A text; of a field that names the signer, an address even where the SDK's file does not say that it is one. */
function text(field, { address, operator }, signs) {
  if (scalar(field)) return scalar(field);
  if (field.options?.scalar === "cosmos.ValidatorAddressString") return operator;
  if (signs || field.options?.scalar === "cosmos.AddressString") return address;
  return `${field.name} <&> "quoted" \\ \u00e9 \u2028 \u{1f980} \u0007\t\n`;
}

function inner(name, how, depth) {
  if (name === ".google.protobuf.Any") {
    const url = "/cosmos.bank.v1beta1.MsgSend";
    const value = { from_address: how.address, to_address: how.address, amount: [{ denom: "ucairn", amount: "7" }] };
    const type = typeOf(url);
    return { type_url: url, value: type.encode(type.fromObject(value)).finish() };
  }
  if (name === ".google.protobuf.Timestamp") return { seconds: "1700000000", nanos: 120000000 };
  if (name === ".google.protobuf.Duration") return { seconds: "3600", nanos: 5 };
  return build(messages.get(name), how, depth + 1);
}

/** The amino JSON value of a message given as plain object with the names of its .proto file. */
export function toAmino(url, value) {
  return object(messages.get(`.${url.slice(1)}`), value);
}

function object(message, value) {
  if (message.options?.aminoEncoding === "key_field") return Buffer.from(value.key).toString("base64");
  const out = {};
  for (const field of message.field) {
    const given = value[field.name];
    const empty = given === undefined || given === null || given === "" || given === 0 || given === "0" || given === false || given.length === 0;
    if (empty && !field.options?.keepEmpty) continue;
    const name = field.options?.aminoFieldName || field.name;
    const shown = field.label === LIST ? (given ?? []).map((item) => single(field, item)) : single(field, given);
    if (field.options?.oneofName) {
      const group = message.oneofDecl[field.oneofIndex].name;
      out[group[0].toUpperCase() + group.slice(1)] = { type: field.options.oneofName, value: { [name]: shown } };
    } else {
      out[name] = shown;
    }
  }
  return out;
}

function single(field, given) {
  if (field.type === MESSAGE) return nested(field.typeName, given ?? {});
  const digits = scalar(field) && String(given ?? "");
  if (digits !== undefined && field.options.scalar === "cosmos.Dec") return decimal(digits);
  if (digits !== undefined) return digits || "0";
  if (field.type === STRING) return given ?? "";
  if (field.type === BYTES) return Buffer.from(given ?? []).toString("base64");
  if (field.type === BOOL) return given ?? false;
  return WIDE.includes(field.type) ? String(given ?? 0) : (given ?? 0);
}

function decimal(scaled) {
  if (!scaled) return "0";
  const digits = scaled.padStart(19, "0");
  return `${digits.slice(0, -18)}.${digits.slice(-18)}`;
}

function nested(name, value) {
  if (name === ".google.protobuf.Any") {
    const type = typeOf(value.type_url);
    const packed = type.toObject(type.decode(value.value), { longs: String, defaults: false });
    return { type: aminoName(value.type_url), value: toAmino(value.type_url, packed) };
  }
  if (name === ".google.protobuf.Timestamp") {
    const seconds = new Date(Number(value.seconds ?? 0) * 1000).toISOString().slice(0, 19);
    const fraction = `.${String(value.nanos ?? 0).padStart(9, "0")}`.replace(/\.?0+$/, "");
    return `${seconds}${fraction}Z`;
  }
  if (name === ".google.protobuf.Duration") return String(BigInt(value.seconds ?? 0) * 1000000000n + BigInt(value.nanos ?? 0));
  return object(messages.get(name), value);
}
