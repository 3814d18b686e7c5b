// An unmodified CosmJS client: connect, read a balance, send, find the transaction. Prints one JSON object.
// usage: node stargate.mjs RPC MNEMONIC RECIPIENT AMOUNT
import { DirectSecp256k1HdWallet } from "@cosmjs/proto-signing";
import { GasPrice, SigningStargateClient, StargateClient } from "@cosmjs/stargate";

const [rpc, mnemonic, recipient, amount] = process.argv.slice(2);
if (!amount) throw new Error("usage: node stargate.mjs RPC MNEMONIC RECIPIENT AMOUNT");

const wallet = await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix: "cairn" });
const [{ address }] = await wallet.getAccounts();
const gasPrice = GasPrice.fromString("0.001ucairn");
const client = await SigningStargateClient.connectWithSigner(rpc, wallet, { gasPrice, broadcastPollIntervalMs: 300 });

const before = await client.getBalance(recipient, "ucairn");
// "auto" simulates first, as wallets do.
const sent = await client.sendTokens(address, recipient, [{ denom: "ucairn", amount }], "auto", "hello from CosmJS");
const after = await client.getBalance(recipient, "ucairn");
const reader = await StargateClient.connect(rpc);
const found = await reader.getTx(sent.transactionHash);
const searched = await reader.searchTx([{ key: "message.sender", value: address }]);
// An account that never received anything is null, not an error.
const stranger = await DirectSecp256k1HdWallet.generate(12, { prefix: "cairn" });
const missing = await reader.getAccount((await stranger.getAccounts())[0].address);

console.log(
  JSON.stringify({
    chainId: await client.getChainId(),
    height: await client.getHeight(),
    sender: address,
    sequence: (await client.getSequence(address)).sequence,
    before: before.amount,
    after: after.amount,
    hash: sent.transactionHash,
    code: sent.code,
    gasUsed: Number(sent.gasUsed),
    found: found?.hash ?? null,
    events: found?.events.map((e) => e.type) ?? [],
    responses: found?.msgResponses.map((r) => r.typeUrl) ?? [],
    searched: searched.some((t) => t.hash === sent.transactionHash),
    missing,
  }),
);
client.disconnect();
reader.disconnect();
