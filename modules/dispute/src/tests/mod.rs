//! Dispute through its public functions, messages, queries, blocks and genesis.
