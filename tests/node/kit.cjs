// @solana/kit against a local net: read, subscribe, airdrop and confirm.
// Arguments: HTTP address, WebSocket address, a pool that the simulator moves. Prints one line of JSON.
const { createRequire } = require("node:module");
const { join } = require("node:path");
const load = createRequire(join(process.env.PHANTOM_NODE_MODULES, "x.js"));
const kit = load("@solana/kit");

async function main() {
  const [url, wsUrl, pool] = process.argv.slice(2);
  const rpc = kit.createSolanaRpc(url);
  const subscriptions = kit.createSolanaRpcSubscriptions(wsUrl);
  const abort = new AbortController();
  const signer = await kit.generateKeyPairSigner();

  const notifications = await subscriptions
    .accountNotifications(pool, { commitment: "processed", encoding: "base64" })
    .subscribe({ abortSignal: abort.signal });
  let notified;
  for await (const each of notifications) {
    notified = [each.value.owner, each.value.data[1], typeof each.context.slot];
    break;
  }
  const airdrop = kit.airdropFactory({ rpc, rpcSubscriptions: subscriptions });
  await airdrop({ commitment: "confirmed", lamports: kit.lamports(1_000_000_000n), recipientAddress: signer.address });
  const { value: latest } = await rpc.getLatestBlockhash().send();
  const { value: balance } = await rpc.getBalance(signer.address, { commitment: "confirmed" }).send();
  const { value: info } = await rpc.getAccountInfo(pool, { encoding: "base64" }).send();

  // A memo: kit brings no instructions of its own.
  const memo = {
    programAddress: "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr",
    data: new TextEncoder().encode("hello"),
  };
  const message = kit.pipe(
    kit.createTransactionMessage({ version: 0 }),
    (m) => kit.setTransactionMessageFeePayerSigner(signer, m),
    (m) => kit.setTransactionMessageLifetimeUsingBlockhash(latest, m),
    (m) => kit.appendTransactionMessageInstruction(memo, m),
  );
  const transaction = await kit.signTransactionMessageWithSigners(message);
  const send = kit.sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions: subscriptions });
  await send(transaction, { commitment: "confirmed" });
  const { value: after } = await rpc.getBalance(signer.address, { commitment: "confirmed" }).send();
  abort.abort();
  console.log(
    JSON.stringify({ notified, balance: String(balance), after: String(after), owner: info.owner }),
  );
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
