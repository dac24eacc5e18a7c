"""Renders a page out of a table of 1 GB, as some builds do."""

SIZE = 1 << 30

table = bytearray(SIZE)
for place in range(0, SIZE, 4096):
    table[place] = 1
with open("/www/index.html", "w") as page:
    page.write(f"<!doctype html><title>Hungry</title><h1>{sum(table[::4096]) * 4096 >> 20} MB</h1>")
