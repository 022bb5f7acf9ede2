// @solana/web3.js against a local net: subscribe, read accounts, send and confirm a transaction.
// Arguments: HTTP address, a pool that the simulator moves. Prints one line of JSON.
const { createRequire } = require("node:module");
const { join } = require("node:path");
const load = createRequire(join(process.env.PHANTOM_NODE_MODULES, "x.js"));
const { Connection, Keypair, LAMPORTS_PER_SOL, PublicKey, SystemProgram, Transaction, sendAndConfirmTransaction } =
  load("@solana/web3.js");

async function main() {
  const [url, poolText] = process.argv.slice(2);
  const connection = new Connection(url, "confirmed"); // derives the WebSocket's port itself
  const pool = new PublicKey(poolText);
  const payer = Keypair.generate();
  const payee = Keypair.generate().publicKey;

  const airdrop = await connection.requestAirdrop(payer.publicKey, LAMPORTS_PER_SOL);
  const latest = await connection.getLatestBlockhash();
  const confirmed = await connection.confirmTransaction({ signature: airdrop, ...latest });

  const written = new Promise((resolve) =>
    connection.onAccountChange(pool, (account, context) => resolve([account, context]), "processed"),
  );
  const ofProgram = new Promise((resolve) =>
    connection.onProgramAccountChange(
      new PublicKey("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"),
      (change) => resolve(change.accountInfo.data.length),
      "processed",
      [{ dataSize: 653 }],
    ),
  );
  const slot = new Promise((resolve) => connection.onSlotChange(resolve));
  const [account, context] = await written;

  const paid = new Promise((resolve) => connection.onAccountChange(payee, (a) => resolve(a.lamports), "confirmed"));
  const transaction = new Transaction().add(
    SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: payee, lamports: 5_000_000 }),
  );
  const signature = await sendAndConfirmTransaction(connection, transaction, [payer]);
  const info = await connection.getAccountInfo(pool, "processed");
  const several = await connection.getMultipleAccountsInfo([pool, payee], "processed");
  const parent = (await slot).parent;
  const tooMuch = new Transaction().add(
    SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: payee, lamports: 10 ** 15 }),
  );
  let refusal = "none";
  try {
    await connection.sendTransaction(tooMuch, [payer]);
  } catch (error) {
    refusal = error.message;
  }
  const landed = await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 });
  console.log(
    JSON.stringify({
      airdropError: confirmed.value.err,
      notified: [account.owner.toBase58(), account.data.length, context.slot > 0],
      programDataLength: await ofProgram,
      paid: await paid,
      balance: await connection.getBalance(payer.publicKey),
      read: [info.owner.toBase58(), info.data.length],
      several: several.map((each) => each.lamports > 0),
      slotsFollow: parent > 0,
      refusal: refusal.includes("custom program error: 0x1"),
      fee: landed.meta.fee,
    }),
  );
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
