// An unmodified gRPC-web client, as a browser runs it: asks a balance and an account that is not there, and reads the height. Prints JSON.
// usage: node grpcweb.mjs REST ADDRESS STRANGER
import { GrpcWebFetchTransport } from "@protobuf-ts/grpcweb-transport";
import { MessageType, ScalarType } from "@protobuf-ts/runtime";
import { ServiceType } from "@protobuf-ts/runtime-rpc";

const [baseUrl, address, stranger] = process.argv.slice(2);
if (!stranger) throw new Error("usage: node grpcweb.mjs REST ADDRESS STRANGER");

const text = (no, name) => ({ no, name, kind: "scalar", T: ScalarType.STRING });
const Coin = new MessageType("cosmos.base.v1beta1.Coin", [text(1, "denom"), text(2, "amount")]);
const BalanceRequest = new MessageType("cosmos.bank.v1beta1.QueryBalanceRequest", [text(1, "address"), text(2, "denom")]);
const BalanceResponse = new MessageType("cosmos.bank.v1beta1.QueryBalanceResponse", [{ no: 1, name: "balance", kind: "message", T: () => Coin }]);
const AccountRequest = new MessageType("cosmos.auth.v1beta1.QueryAccountRequest", [text(1, "address")]);
const Empty = new MessageType("cosmos.auth.v1beta1.QueryAccountResponse", []);
const [balance] = new ServiceType("cosmos.bank.v1beta1.Query", [{ name: "Balance", I: BalanceRequest, O: BalanceResponse, options: {} }]).methods;
const [account] = new ServiceType("cosmos.auth.v1beta1.Query", [{ name: "Account", I: AccountRequest, O: Empty, options: {} }]).methods;

const asked = {};
for (const format of ["binary", "text"]) {
  const transport = new GrpcWebFetchTransport({ baseUrl, format });
  const call = transport.unary(balance, { address, denom: "ucairn" }, transport.mergeOptions({ meta: { "x-cosmos-block-height": "2" } }));
  const refused = await transport.unary(account, { address: stranger }, transport.mergeOptions({})).then(() => null, (error) => error);
  asked[format] = {
    amount: (await call.response).balance.amount,
    height: (await call.headers)["x-cosmos-block-height"],
    status: (await call.status).code,
    refused: { code: refused?.code, message: refused?.message },
  };
}
// What a browser asks before it sends a call from another origin, and whether it may read the status.
const preflight = await fetch(`${baseUrl}/cosmos.bank.v1beta1.Query/Balance`, {
  method: "OPTIONS",
  headers: {
    origin: "https://app.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-grpc-web,x-user-agent,x-cosmos-block-height",
  },
});
const header = (name) => preflight.headers.get(`access-control-${name}`);
console.log(JSON.stringify({ ...asked, preflight: { status: preflight.status, origin: header("allow-origin"), headers: header("allow-headers"), methods: header("allow-methods") } }));
