/* Answers every request with the same page; ends when it is told to. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void end(int signal) { (void)signal; _exit(0); }

int main(void) {
    static const char body[] = "<!doctype html><title>C</title><h1>Compiled.</h1>";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("PORT")))};
    int door = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    signal(SIGTERM, end);
    signal(SIGPIPE, SIG_IGN);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(door, (struct sockaddr *)&address, sizeof address) || listen(door, 64)) {
        perror("cannot listen");
        return 1;
    }
    for (;;) {
        char request[8192];
        int guest = accept(door, NULL, NULL);
        if (guest < 0) continue;
        if (read(guest, request, sizeof request) > 0)
            dprintf(guest,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n"
                    "Connection: close\r\n\r\n%s",
                    strlen(body), body);
        close(guest);
    }
}
