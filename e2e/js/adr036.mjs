// Signatures of arbitrary data between this chain's tools and wallets.
// usage: node adr036.mjs verify ADDRESS DATA PUB_KEY SIGNATURE      as Keplr verifies; prints true or false
//        node adr036.mjs sign MNEMONIC DATA                         as a wallet signs; prints its key and signature
import { createRequire } from "node:module";
import { Secp256k1HdWallet } from "@cosmjs/amino";
import { prefix } from "./cosmjs.mjs";

const { makeADR36AminoSignDoc, verifyADR36Amino } = createRequire(import.meta.url)("@keplr-wallet/cosmos");
const [command, ...args] = process.argv.slice(2);
if (command === "verify") {
  const [address, data, ...rest] = args;
  const [key, signature] = rest.map((text) => Buffer.from(text, "base64"));
  console.log(verifyADR36Amino(prefix, address, data, key, signature));
} else if (command === "sign") {
  const [mnemonic, data] = args;
  const wallet = await Secp256k1HdWallet.fromMnemonic(mnemonic, { prefix });
  const [{ address }] = await wallet.getAccounts();
  const { signature } = await wallet.signAmino(address, makeADR36AminoSignDoc(address, data));
  console.log(JSON.stringify({ pub_key: signature.pub_key.value, signature: signature.signature }));
} else {
  throw new Error("usage: node adr036.mjs verify ADDRESS DATA PUB_KEY SIGNATURE | sign MNEMONIC DATA");
}
