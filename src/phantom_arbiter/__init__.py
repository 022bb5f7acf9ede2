"""PhantomArbiter: finds and executes arbitrage across Solana's decentralised exchanges."""
