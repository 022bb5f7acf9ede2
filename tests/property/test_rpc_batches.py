"""How addresses are put into batches."""

from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.sources.rpc_pool.batches import pack

NAMES = st.integers(0, 30).map(str)


@given(st.lists(NAMES), st.lists(st.lists(NAMES, max_size=8), max_size=8), st.integers(1, 10))
def test_every_address_is_in_one_batch_and_groups_that_fit_stay_whole(
    addresses: list[str], together: list[list[str]], size: int
) -> None:
    batches = pack(addresses, together, size)
    placed = [each for batch in batches for each in batch]
    assert sorted(placed) == sorted(set(addresses))
    assert all(1 <= len(batch) <= size for batch in batches)
    taken: set[str] = set()
    for group in together:
        own = [each for each in dict.fromkeys(group) if each in addresses and each not in taken]
        taken.update(own)
        if 0 < len(own) <= size:
            assert any(set(own) <= set(batch) for batch in batches)
