-- One row per e-mail domain that does not stand for one company: its addresses join people, never accounts.
with

free_domains as (
    select domain_name, 'free' as domain_class
    from unnest([
        'gmail.com', 'googlemail.com', 'outlook.com', 'outlook.fr', 'outlook.de', 'outlook.es',
        'outlook.it', 'hotmail.com', 'hotmail.co.uk', 'hotmail.fr', 'hotmail.de', 'hotmail.it',
        'hotmail.es', 'live.com', 'live.co.uk', 'live.fr', 'live.nl', 'msn.com', 'passport.com',
        'yahoo.com', 'yahoo.co.uk', 'yahoo.co.in', 'yahoo.co.jp', 'yahoo.fr', 'yahoo.de', 'yahoo.es',
        'yahoo.it', 'yahoo.ca', 'yahoo.com.br', 'yahoo.com.au', 'ymail.com', 'rocketmail.com',
        'myyahoo.com', 'icloud.com', 'me.com', 'mac.com', 'aol.com', 'aim.com', 'proton.me',
        'protonmail.com', 'protonmail.ch', 'pm.me', 'tutanota.com', 'tutanota.de', 'tuta.io',
        'tutamail.com', 'gmx.com', 'gmx.net', 'gmx.de', 'gmx.at', 'gmx.ch', 'web.de', 'freenet.de',
        'mail.com', 'email.com', 'usa.com', 'post.com', 'zoho.com', 'zohomail.com', 'yandex.com',
        'yandex.ru', 'ya.ru', 'mail.ru', 'bk.ru', 'inbox.ru', 'list.ru', 'rambler.ru', 'qq.com', '163.com',
        '126.com', 'yeah.net', 'sina.com', 'sina.cn', 'sohu.com', 'foxmail.com', 'aliyun.com', 'naver.com',
        'hanmail.net', 'daum.net', 'nate.com', 'rediffmail.com', 'fastmail.com', 'fastmail.fm',
        'hushmail.com', 'hey.com', 'duck.com', 'mailfence.com', 'posteo.de', 'posteo.net', 'mailbox.org',
        'runbox.com', 'startmail.com', 'inbox.com', 'lycos.com', 'excite.com', 'seznam.cz', 'centrum.cz',
        'wp.pl', 'o2.pl', 'onet.pl', 'interia.pl', 'op.pl', 'libero.it', 'virgilio.it', 'tiscali.it',
        'alice.it', 'laposte.net', 'uol.com.br', 'bol.com.br', 'terra.com.br', 'ig.com.br', 'abv.bg',
        'mail.bg', 'ukr.net', 'i.ua'
    ]) as domain_name
),

isp_domains as (
    select domain_name, 'isp' as domain_class
    from unnest([
        'comcast.net', 'verizon.net', 'att.net', 'sbcglobal.net', 'bellsouth.net', 'cox.net',
        'charter.net', 'earthlink.net', 'juno.com', 'optonline.net', 'windstream.net', 'frontier.com',
        'centurylink.net', 'rogers.com', 'shaw.ca', 'sympatico.ca', 'telus.net', 'btinternet.com',
        'virginmedia.com', 'sky.com', 'talktalk.net', 'ntlworld.com', 'blueyonder.co.uk', 't-online.de',
        'arcor.de', 'vodafone.de', 'orange.fr', 'wanadoo.fr', 'free.fr', 'sfr.fr', 'neuf.fr', 'bbox.fr',
        'telenet.be', 'skynet.be', 'ziggo.nl', 'kpnmail.nl', 'planet.nl', 'xs4all.nl', 'home.nl',
        'bluewin.ch', 'bigpond.com', 'optusnet.com.au', 'xtra.co.nz', 'telia.com', 'tin.it'
    ]) as domain_name
),

disposable_domains as (
    select domain_name, 'disposable' as domain_class
    from unnest([
        'mailinator.com', 'guerrillamail.com', 'guerrillamail.info', 'guerrillamail.net',
        'sharklasers.com', 'grr.la', '10minutemail.com', '10minutemail.net', 'temp-mail.org',
        'tempmail.com', 'tempmail.net', 'temp-mail.io', 'yopmail.com', 'yopmail.fr', 'yopmail.net',
        'throwawaymail.com', 'trashmail.com', 'trashmail.de', 'trash-mail.com', 'getnada.com',
        'nada.email', 'maildrop.cc', 'dispostable.com', 'fakeinbox.com', 'mintemail.com', 'mohmal.com',
        'moakt.com', 'emailondeck.com', 'mailnesia.com', 'mailcatch.com', 'spamgourmet.com',
        'mytemp.email', 'tempr.email', 'discard.email', 'discardmail.com', 'spam4.me', 'inboxkitten.com',
        'burnermail.io', 'mailsac.com', '33mail.com', 'anonaddy.com', 'anonaddy.me', 'simplelogin.com',
        'mozmail.com', 'tmpmail.org', 'tmpmail.net', 'einrot.com', 'cuvox.de', 'dayrep.com', 'armyspy.com',
        'fleckens.hu', 'gustr.com', 'jourrapide.com', 'rhyta.com', 'superrito.com', 'teleworm.us'
    ]) as domain_name
),

education_domains as (
    select domain_name, 'education' as domain_class
    from unnest([
        'alumni.stanford.edu', 'alum.mit.edu', 'alumni.harvard.edu', 'post.harvard.edu'
    ]) as domain_name
),

shared_domains as (
    select domain_name, 'shared' as domain_class
    from unnest([
        'wework.com', 'regus.com'
    ]) as domain_name
),

final as (
    select domain_name, domain_class from free_domains
    union all
    select domain_name, domain_class from isp_domains
    union all
    select domain_name, domain_class from disposable_domains
    union all
    select domain_name, domain_class from education_domains
    union all
    select domain_name, domain_class from shared_domains
)

select * from final
