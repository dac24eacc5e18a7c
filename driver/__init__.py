"""pymesos 0.3.15, hardened for a framework and an executor that must not fail.

Use `driver.scheduler.SchedulerDriver` and `driver.executor.ExecutorDriver`; they do not depend on
the program around them. pymesos provides the JSON of events and calls. The thread below it
(`driver.link`) is ours, and so are the fixes of the defects in this table. Each row names a defect,
its fix and the fix's module, and a test of the same number fails without the fix.

Scheduler
P1   an exception in a callback, or an event that cannot be read, ends the thread and sends
     TEARDOWN: logged, only that event is lost, only teardown() sends TEARDOWN      link, scheduler
P2   stop() sends TEARDOWN: it never does                                           link
P3   calls may take a day, under the driver's lock: http_timeout, no lock           calls
P4   no pause between tries after a 503 or an ended stream: always a pause (Pace)   link, pace
P5   goes on fighting for the id after an ERROR event: stops, aborted()             scheduler_link
P6   a silent master is never noticed: the link is dropped after 5 heartbeats, and as
     soon as a call gets no answer                                     link, scheduler_link
P7   an unexpected response to SUBSCRIBE ends the thread: pause, try again, log why; a
     401 or 403 before any subscription: aborted()         connection, link, scheduler_link
P8   FAILURE without agent or status is a KeyError: None                            scheduler_link
P9   SIGINT handler at import, interrupt_main at death: neither; aborted() or lost() library, link
P10  select fails beyond 1024 open files: poll                                      connection
P11  a name that does not resolve ends the thread: a failed try                     connection
P12  a connect without a response counts as connected: answer_limit, for the
     response to SUBSCRIBE too                                                       link
P13  a version such as 1.12.0-rc1 ends the thread: requests no version              link
P14  GPU_RESOURCES added, failover_timeout of 100 s: FrameworkInfo as it is given   scheduler_link
P15  calls without a link silently do nothing: NotConnected                         scheduler_link
P16  all drivers share headers, with the credentials: each call has its own         link, calls
P17  RECONCILE without agent ids: with them                                         scheduler_link
P18  KILL without agent and policy, no suppressed_roles in SUBSCRIBE: with them     scheduler_link
P19  `registered` once, `disconnected` at every failed try: subscribed() each time,
     disconnected() only after it                                                   scheduler_link
P20  the detector gives up without the znode, drops credentials, blocks kazoo       detector
P21  sleeps 15 s whatever happens: every wait ends when there is news               connection, link
P22  no TLS, no IPv6: TLS to the master if its authority is configured              tls
     IPv6 LEFT OUT: masters and agents are reached by IPv4 in their own network
P23  acknowledges when the callback returns: only acknowledge() does                scheduler_link
P24  a 4xx or a timeout of a call is raised into the callback, see P1: CallFailed,
     which shows whether the call may have been executed                            calls
P25  a log handler and a level at import: removed                                   library
P26  http-parser builds on no current Python: third_party/http-parser
P27  pymesos is not maintained: we have our own tests. pymesos stays with the master of a
     redirect for good: a redirect holds for one link only                          link

Executor
E1   never stores updates: kept until acknowledged, sent with every SUBSCRIBE; none
     before LAUNCH, on which the agent would abort                                  updates
E2   tries again too late for an agent that came back: 5 times within its window    executor_link
E3   waits for an agent for a day: MESOS_RECOVERY_TIMEOUT, then lost()              executor_link
E4   loops on 503, which updates get too: pauses (Pace), and keeps updates          link, updates
E5   a 4xx of an agent that has forgotten us ends only the thread: lost()           executor_link
E6   no token, no kill policy: both. MESOS_DOMAIN_SOCKET: LEFT OUT, the agent sets
     an address too                                                                 executor_link
E7   SHUTDOWN kills the process group, and leaves containers: shutdown(), and the
     link stays for the last updates                                                executor_link
E8   without checkpointing the first failed connect ends it, and MESOS_CHECKPOINT=0
     counts as true: only the loss of a subscription ends it, and 0 is false        executor_link
"""
