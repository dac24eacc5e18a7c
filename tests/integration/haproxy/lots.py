"""The lots of clients, computed apart from HAProxy."""

_MASK = 0xFFFFFFFF


def find_lot(address: str) -> int:
    """Return the lot of an address of less than 16 characters: XXH32 of it, with the seed 0."""
    primes = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    data = address.encode()

    def rotate(value: int, bits: int) -> int:
        return (value << bits | (value & _MASK) >> 32 - bits) & _MASK

    found, whole = primes[4] + len(data), len(data) // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little")
        found = rotate(found + word * primes[2] & _MASK, 17) * primes[3] & _MASK
    for byte in data[whole:]:
        found = rotate(found + byte * primes[4] & _MASK, 11) * primes[0] & _MASK
    for shift, factor in ((15, primes[1]), (13, primes[2]), (16, 1)):
        found = (found ^ found >> shift) * factor & _MASK
    return found % 10_000
