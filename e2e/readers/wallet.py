"""A wallet by cosmpy, which knows this chain by nothing but its name, its address prefix and its coin, over gRPC and over REST.

usage: wallet.py URL WORDS RECIPIENT      URL as cosmpy writes it, such as grpc+http://127.0.0.1:9090; prints what it did as JSON
"""

import json
import sys

from cosmpy.aerial.client import LedgerClient, NetworkConfig
from cosmpy.aerial.wallet import LocalWallet
from cosmpy.crypto.address import Address

DENOM = "ucairn"


def main(url: str, words: str, recipient: str) -> None:
    client = LedgerClient(
        NetworkConfig(
            chain_id="cairn-local-1",
            url=url,
            fee_minimum_gas_price=0.001,
            fee_denomination=DENOM,
            staking_denomination=DENOM,
        )
    )
    wallet = LocalWallet.from_mnemonic(words, prefix="cairn")
    address = wallet.address()
    recipient = Address(recipient)

    def done(sent):
        """Its gas is what cosmpy found by simulation."""
        return sent.wait_to_complete(timeout=30, poll_period=0.2).response

    before = client.query_bank_balance(recipient, DENOM)
    sent = done(client.send_tokens(recipient, 1234, DENOM, wallet))
    received = client.query_bank_balance(recipient, DENOM) - before
    validator = client.query_validators()[0].address
    staked = [
        done(client.delegate_tokens(validator, 50_000, wallet)),
        done(client.undelegate_tokens(validator, 2_000, wallet)),
        done(client.claim_rewards(validator, wallet)),
    ]
    summary = client.query_staking_summary(address)
    block = client.query_block(sent.height)
    print(
        json.dumps(
            {
                "address": str(address),
                "codes": [sent.code] + [response.code for response in staked],
                "received": received,
                "sequence": client.query_account(address).sequence,
                "staked": sum(int(p.amount) for p in summary.current_positions),
                "unbonding": sum(int(p.amount) for p in summary.unbonding_positions),
                "transferred": "transfer" in sent.events,
                "block": [block.height, block.chain_id],
                "latest": client.query_latest_block().height >= sent.height,
            }
        )
    )


main(*sys.argv[1:])
