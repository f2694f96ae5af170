/* shell.h - the parts of a head, for the files that make up its shell: setup.c, planes.c, head.c.
 */
#ifndef HEAD_SHELL_H
#define HEAD_SHELL_H

#include "head/audit.h"
#include "head/blobs.h"
#include "head/fleet.h"
#include "head/front.h"
#include "head/gauge.h"
#include "head/head.h"
#include "head/imager.h"
#include "head/journal.h"
#include "head/redisd.h"
#include "head/store/archive.h"
#include "head/store/audit.h"
#include "head/store/project.h"
#include "head/strikes.h"
#include "head/turn.h"
#include "head/view.h"
#include "proto/link.h"
#include "proto/peerwatch.h"

#define PLANES 3 /* enum link_plane */

#define STATUS_FENCED  75 /* another head leads */
#define STATUS_AMNESIA 74 /* the log has lost what was acknowledged */

/* Between two looks at the timers. */
#define SHELL_TICK_MS 100u

struct plane {
    void *socket;
    struct monitor *monitor;
    struct peerwatch *watch;
    int fd;         /* readable: something may have come */
    int monitor_fd; /* the same of the monitor */
    uint16_t port;
    uint32_t *owners; /* by descriptor: whose connection it was when it last spoke */
    size_t owner_room;
    bool waiting;        /* there may be something to read */
    bool drained;        /* nothing was left when it was last read */
    uint64_t drained_ms; /* when nothing was left */
};

struct head {
    struct settings settings; /* borrowed texts */
    int lock;                 /* of the data directory */
    int signals;
    struct key_pair keys;
    struct key_pair admin;
    struct key_pair worker; /* private cluster: its worker's */
    struct audit *audit;
    struct strikes *strikes;
    struct arena scratch; /* of a message that only reads */
    struct blobs *blobs;
    struct checkpoint_store *checkpoints;
    char checkpoint_folder[LIMIT_PATH_BYTES];
    struct redisd *redisd; /* NULL: an outside Redis */
    struct store_address redis;
    uint32_t replicas; /* of it, that must have an entry before it counts */
    struct journal *journal;
    struct project *project;
    struct gauge *gauge;
    struct audit_report report; /* what acknowledgements are worth there */
    struct core *core;
    struct view *view;
    struct sinks *sinks;
    struct archive *archive; /* of what images cut off the log; NULL: it is not kept */
    struct imager *imager;   /* its thread has the archive */
    struct turns *turns;
    void *context;
    struct zap *zap;
    struct plane planes[PLANES];
    int refusals_fd; /* readable: somebody may have been refused */
    struct fleet *fleet;
    struct front *front;
    struct turn *committing; /* its entry is on the way; NULL: none */
    int64_t unix_ahead_ms;   /* of the wall clock before clock_ms, as turns have it; 0: not known */
    uint64_t tended_ms;      /* when the timers were last looked at */
    uint64_t passed_ms;      /* when the loop's last pass began */
    bool stalled;            /* the log takes nothing now */
    bool rows_late;          /* said already: rows of ended trials wait for their disk */
    bool files_missing;      /* a sink could not write all of its files */
    bool ending;
    int signal; /* that asked for the end; 0: none did */
    int status; /* to exit with */
};

/* Redis may take so long to answer at a start: a large log takes a while to load. */
#define SETUP_MS 30000u

/* setup.c: what is wrong, for people. what: NULL where the trouble names it. Gives the status. */
int setup_say(const char *what, const struct trouble *trouble, int status);

/* setup.c: each gives 0, or the status to exit with, and it was said why. */
int setup_store(struct head *head);
/* Take an epoch (0: the next one) and open what writes to Redis. An error of journal_open. */
int setup_claim(struct head *head, uint64_t epoch, struct trouble *trouble);
/* An empty core, and what stands around it; where there was one before, in its place. */
int setup_core(struct head *head);
int setup_sockets(struct head *head);
/* setup_checkpoints.c: open the folder of checkpoints, if it is not another cluster's; and, when
 * this head leads and knows what it keeps, write that the folder is this cluster's (proto/mark.h).
 */
int setup_checkpoints(struct head *head);
int setup_checkpoints_mark(struct head *head);
void setup_close(struct head *head);

/* recover.c: the same, from what Redis has: core, rows and files; and where core and rows are as
 * the log has them, the files alone. */
int setup_replay(struct head *head);
int setup_files(struct head *head);

/* recover.c: core and rows as the newest image has them, empty where there is none, into what
 * setup_core has just made. leads: this head begins with it, and its files are made what they were;
 * else it only follows the log behind it. An error of imager_load. */
int setup_image(struct head *head, bool leads, struct imager_start *out, struct trouble *trouble);

/* checkup_facts.c: what there is to find when the head looks at itself. context: a head. */
void shell_facts(void *context, struct checkup_facts *out);

/* The same file: code trees of experiments that run and that are not here in full, as where a head
 * has taken over and was not brought them. */
uint64_t shell_missing_code(const struct head *head);

/* announce.c: say where this head listens: to Redis, to this user, to whoever started it. */
void setup_announce(struct head *head);

/* A committed effect that is the shell's own: a key may talk, or no more. */
void shell_principal(struct head *head, const struct effect_principal *principal);

/* planes.c: read what waits, at most until the open turn is full. */
void plane_read(struct head *head, enum link_plane kind, uint64_t now_ms, uint64_t unix_ms);

/* Whether something waits to be read: to be asked again after whatever was sent. */
bool plane_has(struct head *head, enum link_plane kind);

/* What became of connections: before anything is read, so that a connection is known before its
 * first message. */
void plane_events(struct head *head, enum link_plane kind);

/* Who is to be cut off. */
void planes_watch(struct head *head, uint64_t now_ms);

/* Shut the connections of one whose key may talk no more. */
void planes_revoke(struct head *head, uint32_t principal);

/* Who was refused at the door. */
void planes_refusals(struct head *head);

/* Whether a plane may be read now: this head does not doubt that it leads, and there is a turn for
 * what it brings, or, while the log takes nothing, what clients ask can be answered without one. */
bool plane_ready(struct head *head, enum link_plane kind);

/* wait.c: before the first wait. */
void shell_wait_begin(struct head *head);

/* wait.c: until something has come or something is due, and take in what it was of signals and
 * connections; a plane that has something is marked. */
void shell_wait(struct head *head, uint64_t now_ms);

/* head.c: signals that have come. */
void shell_signals(struct head *head);

/* head.c: the journal has failed for good. Gives the status to exit with. */
int shell_journal_failed(struct head *head, int err);

/* head.c: step an event of the head's own. */
void shell_step(struct head *head, struct event *event);

/* recall.c: hand in the rows that the core asks for (core_recall), as far as the turn has room. */
void shell_recall(struct head *head);

/* Commit and do what was taken in, reading nothing new: at the start and at the end. */
void shell_settle(struct head *head, uint64_t until_ms);

/* All of a committed turn's effects but the sinks', in order; also for those of a replay (quiet: no
 * peers are there yet). */
void shell_apply(struct head *head, const struct effects *effects, bool quiet);

#endif
