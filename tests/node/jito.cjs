// jito-js-rpc against a local block engine: tip account, bundle, transaction, and what became of them.
// Arguments: HTTP address of the node, address of a region. Prints one line of JSON.
const { createRequire } = require("node:module");
const { join } = require("node:path");
const load = createRequire(join(process.env.PHANTOM_NODE_MODULES, "x.js"));
const { JitoJsonRpcClient } = load("jito-js-rpc");
const web3 = load("@solana/web3.js");

async function main() {
  const [url, region] = process.argv.slice(2);
  const connection = new web3.Connection(url, "processed");
  const client = new JitoJsonRpcClient(`${region}/api/v1`, "ours");
  const payer = web3.Keypair.generate();
  await connection.requestAirdrop(payer.publicKey, 1_000_000_000);
  const tipAccount = new web3.PublicKey(await client.getRandomTipAccount());
  const { blockhash } = await connection.getLatestBlockhash();

  const made = (lamports) => {
    const transaction = new web3.Transaction({ feePayer: payer.publicKey, recentBlockhash: blockhash }).add(
      web3.SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: tipAccount, lamports }),
    );
    transaction.sign(payer);
    return transaction.serialize().toString("base64");
  };
  const encoding = { encoding: "base64" };
  const sent = await client.sendBundle([[made(1_000), made(2_000)], encoding]);
  const confirmed = await client.confirmInflightBundle(sent.result);
  const inflight = await client.getInFlightBundleStatuses([[sent.result, "none"]]);
  const single = await client.sendTxn([made(3_000), encoding], true);
  const status = await connection.getSignatureStatus(single.result);
  let refusal;
  try {
    await client.sendBundle([[made(1_000)], encoding]);
  } catch (error) {
    refusal = [error.response.status, error.response.data.error.code, error.response.data.error.message];
  }
  console.log(
    JSON.stringify({
      confirmed: [confirmed.bundle_id === sent.result, confirmed.transactions.length, confirmed.err],
      inflight: inflight.result.value.map((each) => each.status),
      single: status.value.err,
      refusal,
      balance: await connection.getBalance(payer.publicKey),
    }),
  );
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
