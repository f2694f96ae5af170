/* assay-worker: lends a machine to a head's trials. See daemon.h; helper.h for its second form. */
#include "common/sys/log.h"
#include "proto/key.h"
#include "worker/daemon.h"
#include "worker/helper.h"

#define EXIT_HELP 1
#define EXIT_OURS 70

int main(int argc, char **argv)
{
    struct settings settings;
    int status;

    if (key_harden_process() != 0) {
        log_error_for_people("assay worker", "the kernel does not let it protect its memory", NULL);
        return EXIT_OURS;
    }
    if (helper_is_asked(argc, argv))
        return helper_main(argc, argv);
    status = settings_read(argc, argv, &settings);
    if (status == 0) {
        if (settings.verbose)
            log_set_level(LOG_DEBUG);
        status = daemon_run(&settings);
    } else if (status == EXIT_HELP) {
        status = 0;
    }
    settings_fini(&settings);
    return status;
}
